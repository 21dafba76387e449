#include "address-list.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct node {
	struct addrinfo info;
	uint64_t mark; /* glibc and musl have the address here: ours is 8 bytes on */
	struct sockaddr_storage address;
};

#define MARK 0x7461696c70726f78u

bool tp_address_list_is_ours(const struct addrinfo *info)
{
	const struct node *node = (const struct node *)(const void *)info;
	return (const void *)info->ai_addr == (const void *)&node->address && node->mark == MARK;
}

int tp_address_list_append(struct addrinfo **list, const struct addrinfo *from)
{
	while (*list)
		list = &(*list)->ai_next;
	for (; from; from = from->ai_next) {
		if (from->ai_addrlen > sizeof(struct sockaddr_storage))
			continue;
		struct node *node = calloc(1, sizeof *node);
		if (!node)
			return -ENOMEM;
		node->info = *from;
		node->info.ai_addr = (struct sockaddr *)&node->address;
		node->info.ai_canonname = NULL;
		node->info.ai_next = NULL;
		node->mark = MARK;
		memcpy(&node->address, from->ai_addr, from->ai_addrlen);
		*list = &node->info;
		list = &node->info.ai_next;
	}
	return 0;
}

void tp_address_list_free(struct addrinfo *list, void (*free_others)(struct addrinfo *))
{
	while (list) {
		struct addrinfo *next = list->ai_next;
		if (tp_address_list_is_ours(list)) {
			free(list->ai_canonname);
			free(list);
			list = next;
			continue;
		}
		struct addrinfo *last = list;
		while (last->ai_next && !tp_address_list_is_ours(last->ai_next))
			last = last->ai_next;
		next = last->ai_next;
		last->ai_next = NULL;
		free_others(list);
		list = next;
	}
}

char *tp_address_list_name(const char *name)
{
	size_t size = strlen(name) + 1;
	char *copy = malloc(size);
	return copy ? memcpy(copy, name, size) : NULL;
}
