/* Copyright (c) 2026, containerland.net contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The floor of a node with N containers: what cannot be faster. Nearly all its time is the kernel's.
 *
 * Usage: node build|read|remove N
 * build   N namespaces, each with a veth pair to a bridge, an address, a default route, all up. A bridge has 1,000.
 * read    reads all that back, as little as shows that it is as it should be; says what is not, and fails then.
 *         It goes by what the kernel says, not by names of the node's ends, so it checks other builders' work too.
 * remove  takes it all away, and returns when all links are gone.
 */
#include "netlink.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PER_BRIDGE 1000         /* the kernel's limit is 1,023 ports */
#define FIRST_BRIDGE 100        /* index of the first bridge; chosen, so that nothing has to be looked up */
#define LOOPBACK 1
#define INSIDE 2                /* index of eth0 in its namespace */
#define GROUP 42
#define PREFIX 16
#define LINKS (1 << 17)

static struct batch batch;
static int host;                /* socket in the node's own namespace */

static int bridges(int count) { return (count + PER_BRIDGE - 1) / PER_BRIDGE; }
static uint32_t gateway_of(int i) { return htonl(10u << 24 | (i / PER_BRIDGE) << 16 | 1); }
static uint32_t address_of(int i) { return htonl(10u << 24 | (i / PER_BRIDGE) << 16 | (i % PER_BRIDGE + 2)); }
static void path_of(char *path, int i) { sprintf(path, "/run/netns/c%d", i); }

static void set_up(int index, const char *name)
{
    struct ifinfomsg link = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    begin(&batch, RTM_NEWLINK, 0, &link, sizeof link);
    if (name)
        put_text(&batch, IFLA_IFNAME, name);
}

static void add_address(int index, uint32_t address)
{
    struct ifaddrmsg header = {.ifa_family = AF_INET, .ifa_prefixlen = PREFIX, .ifa_index = index};
    begin(&batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
    put_number(&batch, IFA_LOCAL, address);
    put_number(&batch, IFA_ADDRESS, address);
}

static void add_bridge(int k)
{
    struct ifinfomsg link = {.ifi_index = FIRST_BRIDGE + k, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    char name[IFNAMSIZ];
    snprintf(name, sizeof name, "br%d", k);
    begin(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
    put_text(&batch, IFLA_IFNAME, name);
    struct rtattr *info = nest(&batch, IFLA_LINKINFO);
    put_text(&batch, IFLA_INFO_KIND, "bridge");
    end_nest(&batch, info);
    add_address(FIRST_BRIDGE + k, gateway_of(k * PER_BRIDGE));
}

/* One request makes both ends, in their namespaces, the near one a port; both down. */
static void add_veth(int i, int namespace)
{
    struct ifinfomsg link = {0}, far = {.ifi_index = INSIDE};
    char name[IFNAMSIZ];
    snprintf(name, sizeof name, "v%d", i);
    begin(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
    put_text(&batch, IFLA_IFNAME, name);
    put_number(&batch, IFLA_MASTER, FIRST_BRIDGE + i / PER_BRIDGE);
    put_number(&batch, IFLA_GROUP, GROUP);
    struct rtattr *info = nest(&batch, IFLA_LINKINFO);
    put_text(&batch, IFLA_INFO_KIND, "veth");
    struct rtattr *data = nest(&batch, IFLA_INFO_DATA);
    struct rtattr *peer = nest(&batch, VETH_INFO_PEER);
    memcpy(extend(&batch, sizeof far), &far, sizeof far);
    put_text(&batch, IFLA_IFNAME, "eth0");
    put_number(&batch, IFLA_NET_NS_FD, namespace);
    end_nest(&batch, peer);
    end_nest(&batch, data);
    end_nest(&batch, info);
}

static void add_default_route(uint32_t gateway)
{
    struct rtmsg route = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
                          .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST};
    begin(&batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
    put_number(&batch, RTA_GATEWAY, gateway);
    put_number(&batch, RTA_OIF, INSIDE);
}

/* Leaves this process in the new namespace. */
static int add_namespace(int i)
{
    char path[64];
    path_of(path, i);
    int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
    if (file < 0)
        die(path);
    close(file);
    if (unshare(CLONE_NEWNET) || mount("/proc/self/ns/net", path, "none", MS_BIND, 0))
        die(path);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* In phases. A port that is up gets all multicasts of the others, so the node's ends come up last. */
static void build(int count)
{
    struct rlimit files = {2 * count + 64, 2 * count + 64};
    if (setrlimit(RLIMIT_NOFILE, &files))
        die("open files");
    int *namespaces = calloc(count, sizeof(int)), *sockets = calloc(count, sizeof(int));
    for (int i = 0; i < count; i++) {
        namespaces[i] = add_namespace(i);
        sockets[i] = open_netlink();
    }
    for (int k = 0; k < bridges(count); k++)
        add_bridge(k);
    for (int i = 0; i < count; i++)
        add_veth(i, namespaces[i]);
    flush(&batch, "bridges and veths");
    for (int i = 0; i < count; i++) {
        batch.socket = sockets[i];
        set_up(LOOPBACK, NULL);
        add_address(INSIDE, address_of(i));
        set_up(INSIDE, NULL);
        add_default_route(gateway_of(i));
        flush(&batch, "container");
    }
    batch.socket = host;
    for (int i = 0; i < count; i++) {
        char name[IFNAMSIZ];
        snprintf(name, sizeof name, "v%d", i);
        set_up(0, name);
    }
    flush(&batch, "ports up");
}

static void ask_links(void)
{
    struct ifinfomsg all = {0};
    begin(&batch, RTM_GETLINK, 0, &all, sizeof all);
    put_number(&batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

static void count_port(struct nlmsghdr *row, void *context)
{
    *(int *)context += number_of(row, sizeof(struct ifinfomsg), IFLA_MASTER) != 0;
}

#include "read_back.h"

/* All links of a group in one request, for each alone would wait for the kernel's other processors (RCU). */
static void remove_all(int count)
{
    struct ifinfomsg link = {0};
    begin(&batch, RTM_DELLINK, 0, &link, sizeof link);
    put_number(&batch, IFLA_GROUP, GROUP);
    errno = try_flush(&batch);
    if (errno && errno != ENODEV) /* other builders have no group */
        die("links");
    for (int i = 0; i < count; i++) {
        char path[64];
        path_of(path, i);
        if (umount2(path, MNT_DETACH) || unlink(path))
            die(path);
    }
    for (int ports = 1; ports;) {
        ports = 0;
        ask_links();
        dump(&batch, count_port, &ports);
        if (ports)
            usleep(1000);
    }
    for (int k = 0; k < bridges(count); k++) {
        char name[IFNAMSIZ];
        snprintf(name, sizeof name, "br%d", k);
        begin(&batch, RTM_DELLINK, 0, &link, sizeof link);
        put_text(&batch, IFLA_IFNAME, name);
    }
    flush(&batch, "bridges");
}

int main(int given, char **arguments)
{
    int count = given == 3 ? atoi(arguments[2]) : 0;
    host = batch.socket = open_netlink();
    if (count > 0 && !strcmp(arguments[1], "build"))
        build(count);
    else if (count > 0 && !strcmp(arguments[1], "read"))
        read_back(count);
    else if (count > 0 && !strcmp(arguments[1], "remove"))
        remove_all(count);
    else {
        fprintf(stderr, "usage: node build|read|remove N\n");
        return 2;
    }
    return 0;
}
