/* Copyright (c) 2026, containerland.net contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads a node back: one dump of its links, and of every container's links, addresses and routes. Part of node.c.
 */

/* What a dump of links found, by index. */
struct link {
    char name[IFNAMSIZ];
    uint32_t flags, master, other_end;
};

static void take_link(struct nlmsghdr *row, void *context)
{
    struct ifinfomsg *header = NLMSG_DATA(row);
    struct link *links = context;
    if (header->ifi_index >= LINKS)
        return;
    struct link *link = &links[header->ifi_index];
    char *name = attribute_of(row, sizeof *header, IFLA_IFNAME);
    snprintf(link->name, sizeof link->name, "%s", name ? name : "");
    link->flags = header->ifi_flags;
    link->master = number_of(row, sizeof *header, IFLA_MASTER);
    link->other_end = number_of(row, sizeof *header, IFLA_LINK);
}

struct wanted {
    uint32_t value;
    int found, others;
};

static void ask_addresses(int index)
{
    struct ifaddrmsg some = {.ifa_family = AF_INET, .ifa_index = index};
    begin(&batch, RTM_GETADDR, 0, &some, sizeof some);
}

static void take_address(struct nlmsghdr *row, void *context)
{
    struct ifaddrmsg *header = NLMSG_DATA(row);
    struct wanted *wanted = context;
    int right = header->ifa_prefixlen == PREFIX && number_of(row, sizeof *header, IFA_LOCAL) == wanted->value;
    *(right ? &wanted->found : &wanted->others) += 1;
}

static void take_route(struct nlmsghdr *row, void *context)
{
    struct rtmsg *header = NLMSG_DATA(row);
    struct wanted *wanted = context;
    if (header->rtm_dst_len)
        return;
    int right = number_of(row, sizeof *header, RTA_GATEWAY) == wanted->value;
    *(right ? &wanted->found : &wanted->others) += 1;
}

static void expect(int right, int i, const char *what)
{
    if (!right) {
        fprintf(stderr, "container %d: %s\n", i, what);
        exit(1);
    }
}

static void read_container(int i, const struct link *links)
{
    static struct link inside[INSIDE + 64];
    char path[64];
    path_of(path, i);
    int namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNET))
        die(path);
    close(namespace);
    batch.socket = open_netlink();
    memset(inside, 0, sizeof inside);
    ask_links();
    dump(&batch, take_link, inside);
    int eth0 = 0;
    for (int index = 0; index < INSIDE + 64; index++)
        if (!strcmp(inside[index].name, "eth0"))
            eth0 = index;
    expect(eth0 && inside[eth0].flags & IFF_UP, i, "eth0 is not there or not up");
    expect(inside[LOOPBACK].flags & IFF_UP, i, "lo is not up");
    const struct link *port = &links[inside[eth0].other_end % LINKS];
    char bridge[IFNAMSIZ];
    snprintf(bridge, sizeof bridge, "br%d", i / PER_BRIDGE);
    expect(port->flags & IFF_UP, i, "the node's end is not up");
    expect(!strcmp(links[port->master % LINKS].name, bridge), i, "not on its bridge");

    struct wanted address = {.value = address_of(i)}, route = {.value = gateway_of(i)};
    ask_addresses(eth0);
    dump(&batch, take_address, &address);
    expect(address.found == 1 && !address.others, i, "address");
    struct rtmsg table = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN};
    begin(&batch, RTM_GETROUTE, 0, &table, sizeof table);
    dump(&batch, take_route, &route);
    expect(route.found == 1 && !route.others, i, "default route");
    close(batch.socket);
}

static void read_back(int count)
{
    static struct link links[LINKS];
    int ports = 0, found = 0;
    ask_links();
    dump(&batch, take_link, links);
    for (int index = 0; index < LINKS; index++) {
        int k;
        ports += links[index].master != 0;
        if (sscanf(links[index].name, "br%d", &k) != 1)
            continue;
        struct wanted address = {.value = gateway_of(k * PER_BRIDGE)};
        ask_addresses(index);
        dump(&batch, take_address, &address);
        expect(links[index].flags & IFF_UP, k * PER_BRIDGE, "its bridge is not up");
        expect(address.found == 1 && !address.others, k * PER_BRIDGE, "address of its bridge");
        found++;
    }
    if (found != bridges(count) || ports != count) {
        fprintf(stderr, "%d bridges with %d ports\n", found, ports);
        exit(1);
    }
    for (int i = 0; i < count; i++)
        read_container(i, links);
}
