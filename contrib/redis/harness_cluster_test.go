package redis_test

import (
	"net"
	"os/exec"
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

// newCluster starts six servers that find a failed one within about two seconds.
func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t}
	args := []string{"--cluster", "create"}
	for range 6 {
		s := newServer(t, "cluster-enabled yes", "cluster-node-timeout 1000", "cluster-port "+freePort(t), "cluster-replica-validity-factor 0",
			"cluster-require-full-coverage no", "cluster-allow-replica-migration no", "repl-ping-replica-period 1")
		c.servers = append(c.servers, s)
		args = append(args, s.addr)
	}
	out, err := exec.Command(program(t, "redis-cli", "redis-tools"), append(args, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli --cluster create: %v\n%s", err, out)
	}
	c.settle()
	return c
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
			if !strings.Contains(info, "cluster_state:ok") || strings.Count(nodes, "master") != 3 || strings.Count(nodes, "slave") != 3 ||
				strings.Contains(nodes, "fail") {
				return false
			}
			if role := s.try("INFO", "replication"); strings.Contains(role, "role:slave") && !strings.Contains(role, "master_link_status:up") {
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
	slot, err := strconv.Atoi(c.servers[0].cli("CLUSTER", "KEYSLOT", redis.KeyOf(prefix, session)))
	wantNoErr(c.t, "CLUSTER KEYSLOT", err)
	lines := slices.Collect(strings.Lines(c.running().cli("CLUSTER", "NODES")))
	var id string
	for _, line := range lines {
		fields := strings.Fields(line)
		for _, slots := range fields[8:] {
			from, to, ok := strings.Cut(slots, "-")
			if !ok {
				to = from
			}
			low, _ := strconv.Atoi(from)
			high, _ := strconv.Atoi(to)
			if low <= slot && slot <= high {
				id, primary = fields[0], c.at(fields[1])
			}
		}
	}
	for _, line := range lines {
		if fields := strings.Fields(line); fields[3] == id && fields[7] == "connected" {
			replica = c.at(fields[1])
		}
	}
	if primary == nil || replica == nil {
		c.t.Fatalf("no primary and replica of slot %d in:\n%s", slot, strings.Join(lines, ""))
	}
	return primary, replica
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
	_, port, _ := net.SplitHostPort(addr)
	for _, s := range c.servers {
		if strings.HasSuffix(s.addr, ":"+port) {
			return s
		}
	}
	return nil
}
