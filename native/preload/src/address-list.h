/*
 * Lists of struct addrinfo made by this library. A node is one malloc() with the address inside, its canonical name
 * another: glibc's freeaddrinfo() frees that too, so that only musl depends on our hook.
 */
#ifndef TP_ADDRESS_LIST_H
#define TP_ADDRESS_LIST_H

#include <netdb.h>
#include <stdbool.h>

/** Copies the nodes of `from` to the end of a list of ours. Returns 0 or -ENOMEM, the list being whole in both cases. */
int tp_address_list_append(struct addrinfo **list, const struct addrinfo *from);

/** Whether a node was made here; told by the node itself, without reading beside it. */
bool tp_address_list_is_ours(const struct addrinfo *node);

/** Frees any list, also one in which ours and others' are mixed: those go to `free_others`, in runs. */
void tp_address_list_free(struct addrinfo *list, void (*free_others)(struct addrinfo *));

/** A malloc'ed copy of a name, or NULL. */
char *tp_address_list_name(const char *name);

#endif
