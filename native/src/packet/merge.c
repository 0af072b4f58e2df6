/*
 * Coalescing of TCP segments and UDP datagrams. What may be merged is what the kernel's own GRO merges
 * (tcp4_gro_receive, udp_gro_receive), so that cutting a merged packet again gives back the packets that came.
 */
#include "merge.h"

#include "transport.h"

#include <errno.h>
#include <netinet/in.h>

void merger_init(struct merger *merger, const struct checksum *checksum, bool tcp, bool udp,
		 int (*write)(void *, const struct iovec *, int, uint32_t), void *context)
{
	memset(merger, 0, sizeof(*merger));
	merger->checksum = checksum;
	merger->tcp = tcp;
	merger->udp = udp;
	merger->write = write;
	merger->context = context;
}

/* ---- one packet ---- */

static bool has_ports(const struct ip_packet *ip)
{
	return (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP) && !ip_is_fragment(ip) &&
	       ip->length >= (uint32_t)ip->header + 4;
}

/* The length of IP and TCP header when the segment may be merged, else 0. */
static uint32_t tcp_headers(const uint8_t *packet, const struct ip_packet *ip)
{
	const uint8_t *tcp = packet + ip->header;
	uint32_t headers;

	if (ip->length < ip->header + TCP_HEADER)
		return 0;
	headers = ip->header + (uint32_t)(tcp[TCP_DATA_OFFSET] >> 4) * 4;
	/* Anything but data on an open connection (SYN, FIN, RST, URG, and marks that matter once) goes alone. */
	if (headers < ip->header + TCP_HEADER || headers >= ip->length || (tcp[TCP_FLAGS] & ~TCP_PSH) != TCP_ACK)
		return 0;
	return headers;
}

/* The same for a datagram. One without a checksum cannot be told from a broken one once it is merged. */
static uint32_t udp_headers(const uint8_t *packet, const struct ip_packet *ip)
{
	const uint8_t *udp = packet + ip->header;

	if (ip->length <= ip->header + UDP_HEADER || read16(udp + UDP_LENGTH) != ip->length - ip->header ||
	    read16(udp + UDP_CHECKSUM) == 0)
		return 0;
	return ip->header + UDP_HEADER;
}

/* Bytes of headers when this packet may be part of a merge at all, else 0. */
static uint32_t mergeable(const struct merger *merger, const uint8_t *packet, const struct ip_packet *ip)
{
	if (ip_is_fragment(ip) || ip->header != (ip->version == 4 ? IPV4_HEADER : IPV6_HEADER))
		return 0;
	if (ip->protocol == IPPROTO_TCP && merger->tcp)
		return tcp_headers(packet, ip);
	if (ip->protocol == IPPROTO_UDP && merger->udp)
		return udp_headers(packet, ip);
	return 0;
}

static bool checksum_is_right(const struct merger *merger, const uint8_t *packet, const struct ip_packet *ip)
{
	uint32_t length = ip->length - ip->header;
	uint64_t sum = ip_pseudo_sum(packet, ip, ip->protocol, length);

	return checksum_fold(merger->checksum->add(sum, packet + ip->header, length)) == 0xffff;
}

/* ---- writing ---- */

static int write_alone(struct merger *merger, const uint8_t *packet, uint32_t length)
{
	struct virtio_net_hdr none = { 0 };
	const struct iovec parts[2] = {
		{ .iov_base = &none, .iov_len = sizeof(none) },
		{ .iov_base = (void *)packet, .iov_len = length },
	};

	return merger->write(merger->context, parts, 2, 1);
}

/* The header of the merged packet: that of the first, with the lengths of all and the flags of the last. */
static void finish_header(struct merge *m)
{
	uint8_t *transport = m->header + m->ip.header;
	uint32_t length = m->headers + m->payload;
	bool tcp = m->ip.protocol == IPPROTO_TCP;
	uint32_t at = m->ip.header + (tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
	uint16_t sum;

	ip_set_length(m->header, &m->ip, length, m->ip.id);
	if (tcp)
		transport[TCP_FLAGS] = m->last_flags;
	else
		write16(transport + UDP_LENGTH, length - m->ip.header);
	/* NEEDS_CSUM: the kernel takes the rest for verified, and expects the pseudo-header's sum here. */
	sum = checksum_fold(ip_pseudo_sum(m->header, &m->ip, m->ip.protocol, length - m->ip.header));
	memcpy(m->header + at, &sum, sizeof(sum));
	m->virtio = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = !tcp ? VIRTIO_NET_HDR_GSO_UDP_L4
			  : m->ip.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = (uint16_t)m->headers,
		.gso_size = (uint16_t)m->size,
		.csum_start = m->ip.header,
		.csum_offset = (uint16_t)(at - m->ip.header),
	};
}

static void flush(struct merger *merger, struct merge *m)
{
	const uint8_t *first = m->first;

	m->first = NULL;
	if (m->packets == 1) {
		(void)write_alone(merger, first, m->ip.length);
		return;
	}
	finish_header(m);
	m->parts[0] = (struct iovec){ .iov_base = &m->virtio, .iov_len = sizeof(m->virtio) };
	m->parts[1] = (struct iovec){ .iov_base = m->header, .iov_len = m->headers };
	if (merger->write(merger->context, m->parts, 2 + m->packets, m->packets) != -EINVAL)
		return;
	merger->refused++;
	/* Every packet still stands whole in its buffer: its header is right before its payload. */
	for (int i = 2; i < 2 + m->packets; i++)
		(void)write_alone(merger, (const uint8_t *)m->parts[i].iov_base - m->headers,
				  m->headers + (uint32_t)m->parts[i].iov_len);
}

void merger_flush(struct merger *merger)
{
	for (unsigned i = 0; i < MERGE_FLOWS; i++)
		if (merger->flows[i].first != NULL)
			flush(merger, &merger->flows[i]);
}

/* ---- flows ---- */

static bool same_flow(const struct merge *m, const uint8_t *packet, const struct ip_packet *ip)
{
	return m->ip.protocol == ip->protocol && m->ip.version == ip->version &&
	       ip_same_address(m->ip.source, ip->source) && ip_same_address(m->ip.destination, ip->destination) &&
	       memcmp(m->header + m->ip.header, packet + ip->header, 4) == 0;
}

/* A packet that has no ports in sight belongs to every open flow between the two nodes. */
static void flush_between(struct merger *merger, const struct ip_packet *ip)
{
	for (unsigned i = 0; i < MERGE_FLOWS; i++) {
		struct merge *m = &merger->flows[i];

		if (m->first != NULL && ip_same_address(m->ip.source, ip->source) &&
		    ip_same_address(m->ip.destination, ip->destination))
			flush(merger, m);
	}
}

static struct merge *find(struct merger *merger, const uint8_t *packet, const struct ip_packet *ip)
{
	for (unsigned i = 0; i < MERGE_FLOWS; i++) {
		struct merge *m = &merger->flows[i];

		if (m->first != NULL && same_flow(m, packet, ip))
			return m;
	}
	return NULL;
}

/* Equal in everything that the merged header says once for all; the urgent pointer too, though no URG makes it valid. */
static bool same_headers(const struct merge *m, const uint8_t *packet, const struct ip_packet *ip)
{
	const uint8_t *a = m->header, *b = packet;

	if (m->ip.hop_limit != ip->hop_limit || m->ip.traffic_class != ip->traffic_class)
		return false;
	/* DF, and the bit beside it that means nothing, but was sent. */
	if (ip->version == 4 && memcmp(a + 6, b + 6, 2) != 0)
		return false;
	/* The flow label; of IPv4, which may change its identification where DF makes it void (RFC 6864). */
	if (ip->version == 6 ? memcmp(a, b, 4) != 0 : !ip->dont_fragment && ip->id != m->next_id)
		return false;
	if (ip->protocol == IPPROTO_UDP)
		return true;
	a += m->ip.header;
	b += ip->header;
	return read32(b + TCP_SEQUENCE) == m->next_sequence && memcmp(a + TCP_ACKNOWLEDGEMENT, b + TCP_ACKNOWLEDGEMENT, 5) == 0 &&
	       (a[TCP_FLAGS] | TCP_PSH) == (b[TCP_FLAGS] | TCP_PSH) && memcmp(a + TCP_WINDOW, b + TCP_WINDOW, 2) == 0 &&
	       memcmp(a + TCP_URGENT, b + TCP_URGENT, m->headers - m->ip.header - TCP_URGENT) == 0;
}

static bool fits(struct merger *merger, struct merge *m, const uint8_t *packet, const struct ip_packet *ip,
		 uint32_t headers)
{
	uint32_t payload = ip->length - headers;

	if (headers != m->headers || payload > m->size || m->packets == MERGE_PACKETS ||
	    m->headers + m->payload + payload > IP_MAX_LENGTH || !same_headers(m, packet, ip))
		return false;
	/* The first one's checksum is looked at only now: most packets stay alone, and the kernel checks those. */
	if (!m->verified && !checksum_is_right(merger, m->first, &m->ip))
		return false;
	m->verified = true;
	return checksum_is_right(merger, packet, ip);
}

static bool pushes(const uint8_t *packet, const struct ip_packet *ip)
{
	return ip->protocol == IPPROTO_TCP && (packet[ip->header + TCP_FLAGS] & TCP_PSH) != 0;
}

static void append(struct merge *m, const uint8_t *packet, const struct ip_packet *ip)
{
	uint32_t payload = ip->length - m->headers;

	m->parts[2 + m->packets] = (struct iovec){ .iov_base = (void *)(packet + m->headers), .iov_len = payload };
	m->packets++;
	m->payload += payload;
	m->next_sequence += payload;
	m->next_id = (uint16_t)(ip->id + 1);
	if (ip->protocol == IPPROTO_TCP)
		m->last_flags = packet[ip->header + TCP_FLAGS];
}

static void begin(struct merger *merger, const uint8_t *packet, const struct ip_packet *ip, uint32_t headers)
{
	struct merge *m = NULL;

	for (unsigned i = 0; i < MERGE_FLOWS && m == NULL; i++)
		if (merger->flows[i].first == NULL)
			m = &merger->flows[i];
	if (m == NULL) {
		m = &merger->flows[merger->next++ % MERGE_FLOWS];
		flush(merger, m);
	}
	m->first = packet;
	m->ip = *ip;
	m->headers = headers;
	m->size = ip->length - headers;
	m->payload = 0;
	m->packets = 0;
	m->verified = false;
	m->next_sequence = ip->protocol == IPPROTO_TCP ? read32(packet + ip->header + TCP_SEQUENCE) : 0;
	memcpy(m->header, packet, headers);
	append(m, packet, ip);
}

void merger_add(struct merger *merger, const uint8_t *packet, const struct ip_packet *ip)
{
	uint32_t headers = mergeable(merger, packet, ip);
	struct merge *m;

	if (!has_ports(ip)) {
		flush_between(merger, ip);
		(void)write_alone(merger, packet, ip->length);
		return;
	}
	m = find(merger, packet, ip);
	if (m != NULL && headers != 0 && fits(merger, m, packet, ip, headers)) {
		append(m, packet, ip);
		/* A short one ends the merge, and what is pushed shall not wait. */
		if (ip->length - headers < m->size || pushes(packet, ip))
			flush(merger, m);
		return;
	}
	if (m != NULL)
		flush(merger, m);
	if (headers != 0 && !pushes(packet, ip))
		begin(merger, packet, ip, headers);
	else
		(void)write_alone(merger, packet, ip->length);
}
