/* freeaddrinfo(3): tells the lists of our getaddrinfo() from those that the C library made. */
#include "address-list.h"
#include "state.h"

TP_HOOK void freeaddrinfo(struct addrinfo *list)
{
	tp_state();
	tp_address_list_free(list, tp_next.freeaddrinfo);
}
