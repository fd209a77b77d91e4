package redis_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/contrib/redis"
)

// A cluster is three primaries with a replica each.
type cluster struct {
	t       testing.TB
	servers []*server
}

// nodeTimeout is after how many milliseconds a server that does not answer is taken for failed.
const nodeTimeout = "5000"

// newCluster starts six servers that find a failed one within about six seconds. On a busy machine
// one that lives may take some seconds to answer.
func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t}
	for range 6 {
		c.servers = append(c.servers, newServer(t,
			"cluster-enabled yes", "cluster-node-timeout "+nodeTimeout, "cluster-replica-validity-factor 0",
			"cluster-require-full-coverage no", "cluster-allow-replica-migration no", "repl-ping-replica-period 1"))
	}
	c.join()
	c.settle()
	return c
}

// join makes the servers one cluster, the first three primaries with a third of the slots each. It
// asks again for what does not come about: handshakes run out of time on a busy machine.
func (c *cluster) join() {
	c.t.Helper()
	for i, s := range c.servers {
		s.cli("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i < 3 {
			s.cli("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*16384/3), strconv.Itoa((i+1)*16384/3-1))
		}
	}
	first := c.servers[0]
	eventually(c.t, "all servers know each other", func() bool {
		known := first.try("CLUSTER", "NODES")
		for _, s := range c.servers[1:] {
			if !strings.Contains(known, s.addr+"@") {
				first.try("CLUSTER", "MEET", "127.0.0.1", s.port(), s.bus)
			}
		}
		for _, s := range c.servers {
			nodes := s.try("CLUSTER", "NODES")
			if strings.Count(nodes, "master") != 6 || strings.Contains(nodes, "handshake") {
				return false
			}
		}
		return true
	})
	for i, s := range c.servers[3:] {
		primary := c.servers[i].cli("CLUSTER", "MYID")
		eventually(
			c.t, "the replica has its primary", func() bool { return s.try("CLUSTER", "REPLICATE", primary) == "OK" },
		)
	}
}

// use makes t the test that fails when something does not work.
func (c *cluster) use(t testing.TB) {
	c.t = t
	for _, s := range c.servers {
		s.t = t
	}
}

// settle waits until every running server agrees that all is well and all replicas are in step.
func (c *cluster) settle() {
	c.t.Helper()
	eventually(c.t, "the cluster is whole", func() bool {
		for _, s := range c.servers {
			info := s.try("CLUSTER", "INFO")
			nodes := s.try("CLUSTER", "NODES")
			if !strings.Contains(info, "cluster_state:ok") || strings.Count(nodes, "master") != 3 ||
				strings.Count(nodes, "slave") != 3 ||
				strings.Contains(nodes, "fail") {
				return false
			}
			role := s.try("INFO", "replication")
			if strings.Contains(role, "role:slave") && !strings.Contains(role, "master_link_status:up") {
				return false
			}
		}
		return true
	})
}

func (c *cluster) addrs() (all []string) {
	for _, s := range c.servers {
		all = append(all, s.addr)
	}
	return all
}

// of returns the primary that a session of a Store with this prefix lives on, and its replica.
func (c *cluster) of(prefix, session string) (primary, replica *server) {
	c.t.Helper()
	slot, err := strconv.Atoi(c.running().cli("CLUSTER", "KEYSLOT", redis.KeyOf(prefix, session)))
	wantNoErr(c.t, "CLUSTER KEYSLOT", err)
	eventually(c.t, "the session has a primary and a replica", func() bool {
		primary, replica = c.pair(slot)
		return primary != nil && replica != nil
	})
	return primary, replica
}

// splitLines returns the lines of what redis-cli has printed.
func splitLines(out string) (lines []string) {
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// pair returns the primary of a slot and its replica, as far as they are there.
func (c *cluster) pair(slot int) (primary, replica *server) {
	lines := slices.Collect(strings.Lines(c.running().cli("CLUSTER", "NODES")))
	var id string
	for _, line := range lines {
		fields := strings.Fields(line)
		if hasSlot(fields, slot) {
			id, primary = fields[0], c.at(fields[1])
		}
	}
	for _, line := range lines {
		if fields := strings.Fields(line); id != "" && fields[3] == id && fields[7] == "connected" {
			replica = c.at(fields[1])
		}
	}
	return primary, replica
}

// hasSlot says whether a line of CLUSTER NODES is of a server that has a slot.
func hasSlot(fields []string, slot int) bool {
	for _, slots := range fields[min(8, len(fields)):] {
		from, to, ok := strings.Cut(slots, "-")
		if !ok {
			to = from
		}
		low, err := strconv.Atoi(from)
		high, _ := strconv.Atoi(to)
		if err == nil && low <= slot && slot <= high { // else it is a slot on its way: [93->-node]
			return true
		}
	}
	return false
}

// hear says whether s has answered every other server's last ping.
func (c *cluster) hear(s *server) bool {
	for _, other := range c.servers {
		for _, line := range splitLines(other.try("CLUSTER", "NODES")) {
			if fields := strings.Fields(line); c.at(fields[1]) == s && other != s && fields[4] != "0" {
				return false
			}
		}
	}
	return true
}

// running returns a server that answers.
func (c *cluster) running() *server {
	c.t.Helper()
	for _, s := range c.servers {
		if s.try("PING") == "PONG" {
			return s
		}
	}
	c.t.Fatal("no server of the cluster answers")
	return nil
}

// at returns the server that CLUSTER NODES calls host:port@port,….
func (c *cluster) at(node string) *server {
	addr, _, _ := strings.Cut(node, "@")
	for _, s := range c.servers {
		if s.addr == addr {
			return s
		}
	}
	return nil
}
