/* Copyright (c) 2026, containerland.net contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * As little rtnetlink as the floors need: requests that travel together with one acknowledgement for all, and dumps
 * that the kernel filters. Whatever goes wrong ends the program with the kernel's words.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH (64 * 1024)       /* below the default send buffer, 208 KiB */
#define ROOM_FOR_ONE 1024       /* no request here is longer */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

struct batch {
    int socket;
    uint32_t sequence;
    size_t length;
    struct nlmsghdr *last;
    char bytes[BATCH];
};

static char replies[256 * 1024];

static int open_netlink(void)
{
    int one = 1, sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (sock < 0)
        die("netlink socket");
    /* Dumps are filtered by the kernel (Linux 4.20). */
    setsockopt(sock, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
    return sock;
}

static void *extend(struct batch *batch, size_t size)
{
    void *where = batch->bytes + batch->length;
    memset(where, 0, NLMSG_ALIGN(size));
    batch->length += NLMSG_ALIGN(size);
    batch->last->nlmsg_len = batch->bytes + batch->length - (char *)batch->last;
    return where;
}

/* Sends what has been collected and waits for the answer to the last request; 0, or the first errno. */
static int try_flush(struct batch *batch)
{
    if (!batch->length)
        return 0;
    batch->last->nlmsg_flags |= NLM_F_ACK;
    if (send(batch->socket, batch->bytes, batch->length, 0) < 0)
        die("send");
    batch->length = 0;
    for (int failed = 0;;) {
        ssize_t received = recv(batch->socket, replies, sizeof replies, 0);
        if (received < 0)
            die("recv");
        for (struct nlmsghdr *reply = (void *)replies; NLMSG_OK(reply, received); reply = NLMSG_NEXT(reply, received)) {
            if (reply->nlmsg_type != NLMSG_ERROR)
                continue;
            if (!failed)
                failed = -((struct nlmsgerr *)NLMSG_DATA(reply))->error;
            if (reply->nlmsg_seq == batch->sequence)
                return failed;
        }
    }
}

static void flush(struct batch *batch, const char *what)
{
    if ((errno = try_flush(batch)))
        die(what);
}

/* Begins a request; those that were collected before are sent when there is no room for another. */
static void begin(struct batch *batch, int type, int flags, const void *header, size_t size)
{
    if (batch->length + ROOM_FOR_ONE > BATCH)
        flush(batch, "requests");
    batch->last = (void *)(batch->bytes + batch->length);
    struct nlmsghdr *message = extend(batch, sizeof *message);
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | flags;
    message->nlmsg_seq = ++batch->sequence;
    memcpy(extend(batch, size), header, size);
}

static struct rtattr *put(struct batch *batch, int type, const void *data, size_t size)
{
    struct rtattr *attribute = extend(batch, sizeof *attribute + size);
    attribute->rta_type = type;
    attribute->rta_len = sizeof *attribute + size;
    if (size)
        memcpy(RTA_DATA(attribute), data, size);
    return attribute;
}

static void put_number(struct batch *batch, int type, uint32_t number) { put(batch, type, &number, sizeof number); }
static void put_text(struct batch *batch, int type, const char *text) { put(batch, type, text, strlen(text) + 1); }
static struct rtattr *nest(struct batch *batch, int type) { return put(batch, type, NULL, 0); }
static void end_nest(struct batch *batch, struct rtattr *outer)
{
    outer->rta_len = batch->bytes + batch->length - (char *)outer;
}

/* Sends the one request that was begun, a dump, and hands over each row. */
static void dump(struct batch *batch, void (*row)(struct nlmsghdr *, void *), void *context)
{
    batch->last->nlmsg_flags |= NLM_F_DUMP;
    if (send(batch->socket, batch->bytes, batch->length, 0) < 0)
        die("send");
    batch->length = 0;
    for (;;) {
        ssize_t received = recv(batch->socket, replies, sizeof replies, 0);
        if (received < 0)
            die("recv");
        for (struct nlmsghdr *reply = (void *)replies; NLMSG_OK(reply, received); reply = NLMSG_NEXT(reply, received)) {
            if (reply->nlmsg_type == NLMSG_DONE)
                return;
            if (reply->nlmsg_type == NLMSG_ERROR) {
                errno = -((struct nlmsgerr *)NLMSG_DATA(reply))->error;
                die("dump");
            }
            row(reply, context);
        }
    }
}

/* An attribute of a row; NULL if it has none of that type. */
static void *attribute_of(struct nlmsghdr *row, size_t header, unsigned short type)
{
    struct rtattr *attribute = (void *)((char *)NLMSG_DATA(row) + NLMSG_ALIGN(header));
    int length = NLMSG_PAYLOAD(row, NLMSG_ALIGN(header));
    for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
        if ((attribute->rta_type & NLA_TYPE_MASK) == type)
            return RTA_DATA(attribute);
    return NULL;
}

static uint32_t number_of(struct nlmsghdr *row, size_t header, unsigned short type)
{
    uint32_t *found = attribute_of(row, header, type);
    return found ? *found : 0;
}
