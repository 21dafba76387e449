/* The order in which a name's addresses are given to the program (RFC 6724 where it still means something). */
#ifndef TP_ADDRESS_ORDER_H
#define TP_ADDRESS_ORDER_H

#include "addresses.h"

/** How an address is reached. */
enum tp_reach { TP_REACH_CARRIED, TP_REACH_HOST, TP_REACH_NONE };

/** Sorts by family; within one the order stays. `reach` is asked about each address. */
void tp_address_order(struct tp_addresses *all, enum tp_reach (*reach)(const struct tp_address *));

/** Of an address as things are: tailnet, routes of the board, routes of the host. */
enum tp_reach tp_address_reach(const struct tp_address *address);

#endif
