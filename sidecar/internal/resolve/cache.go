package resolve

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sync/singleflight"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const (
	// maxCached bounds the cache, in answers.
	maxCached = 1024
	// maxKept bounds an answer that is kept, in bytes. Those for addresses are far shorter.
	maxKept = 4 << 10
	// maxTTL and maxNegativeTTL bound what an answer says of itself.
	maxTTL         = time.Hour
	maxNegativeTTL = 30 * time.Second
	// exchangeLimit is how long one question may take, however many ask it: three resolvers, five seconds each, twice.
	exchangeLimit = 30 * time.Second
)

// epoch is what the answers depend on. When it changes they are forgotten.
type epoch struct {
	settings, host uint64
	exit           bool
	exitName       string
}

type cached struct {
	answer []byte
	since  time.Time
	until  time.Time
}

// cache keeps answers as long as their records say, and lets many who ask the same at once ask it once.
type cache struct {
	flights singleflight.Group

	mu      sync.Mutex
	epoch   epoch
	answers map[string]cached
}

// exchange returns the kept answer to a query of whom, or asks for it. The answer's id means nothing.
func (c *cache) exchange(
	ctx context.Context, epoch epoch, whom string, query []byte, keep bool,
	ask func(ctx context.Context) ([]byte, error),
) ([]byte, error) {
	key := whom + string(query[2:])
	if answer := c.get(epoch, key); answer != nil {
		return answer, nil
	}
	// Those who wait for it outlive the one who asked first.
	shared := context.WithoutCancel(ctx)
	done := c.flights.DoChan(flightKey(epoch, key), func() (any, error) {
		shared, cancel := context.WithTimeoutCause(shared, exchangeLimit, errNoAnswer)
		defer cancel()
		answer, err := ask(shared)
		if err == nil && keep {
			c.put(epoch, key, answer)
		}
		return answer, err
	})
	select {
	case result := <-done:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.([]byte), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

var errNoAnswer = message.Errorf(message.TimedOut, "no resolver answered within %v", exchangeLimit)

func flightKey(epoch epoch, key string) string {
	var prefix [17]byte
	binary.LittleEndian.PutUint64(prefix[:], epoch.settings)
	binary.LittleEndian.PutUint64(prefix[8:], epoch.host)
	if epoch.exit {
		prefix[16] = 1
	}
	return string(prefix[:]) + epoch.exitName + "\x00" + key
}

func (c *cache) get(epoch epoch, key string) []byte {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enterLocked(epoch)
	kept, ok := c.answers[key]
	if !ok {
		return nil
	}
	if !now.Before(kept.until) {
		delete(c.answers, key)
		return nil
	}
	return aged(kept.answer, now.Sub(kept.since))
}

func (c *cache) put(epoch epoch, key string, answer []byte) {
	lifetime := lifetimeOf(answer)
	if lifetime <= 0 {
		return
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return
	}
	if len(c.answers) >= maxCached {
		c.makeRoomLocked(now)
	}
	c.answers[key] = cached{answer: bytes.Clone(answer), since: now, until: now.Add(lifetime)}
}

func (c *cache) enterLocked(epoch epoch) {
	if c.answers == nil || c.epoch != epoch {
		c.epoch = epoch
		c.answers = map[string]cached{}
	}
}

// makeRoomLocked drops what has run out, or else any one.
func (c *cache) makeRoomLocked(now time.Time) {
	var any string
	for key, kept := range c.answers {
		if !now.Before(kept.until) {
			delete(c.answers, key)
		}
		any = key
	}
	if len(c.answers) >= maxCached {
		delete(c.answers, any)
	}
}

// lifetimeOf returns how long an answer may be kept: as long as the shortest of its records. What it says of names and types
// that are not there is kept as long as the zone says (RFC 2308 section 5), also when aliases lead to them (section 2).
// Failures, what is cut and what is long are not kept.
func lifetimeOf(answer []byte) time.Duration {
	questionsEnd, spans, err := spansOf(answer)
	if err != nil || flagsOf(answer)&flagTruncated != 0 || len(answer) > maxKept {
		return 0
	}
	rcode := rcodeOf(answer)
	if rcode != dnsmessage.RCodeSuccess && rcode != dnsmessage.RCodeNameError {
		return 0
	}
	asked := dnsmessage.TypeALL
	if questionsEnd > headerSize {
		asked = dnsmessage.Type(binary.BigEndian.Uint16(answer[questionsEnd-4:]))
	}
	found, absent := false, rcode == dnsmessage.RCodeNameError
	lifetime := time.Duration(-1)
	shorten := func(ttl uint32, limit time.Duration) {
		// RFC 2181 section 8: with its highest bit set it is zero.
		if ttl > 1<<31-1 {
			ttl = 0
		}
		if each := min(time.Duration(ttl)*time.Second, limit); lifetime < 0 || each < lifetime {
			lifetime = each
		}
	}
	for _, s := range spans {
		if s.section == 1 {
			found = found || s.kind == asked || asked == dnsmessage.TypeALL
			shorten(binary.BigEndian.Uint32(answer[s.ttlAt:]), maxTTL)
		}
	}
	if found && !absent {
		return lifetime
	}
	for _, s := range spans {
		if s.section == 2 && s.kind == dnsmessage.TypeSOA && s.end-s.dataAt >= 4 {
			ttl := binary.BigEndian.Uint32(answer[s.ttlAt:])
			shorten(min(ttl, binary.BigEndian.Uint32(answer[s.end-4:])), maxNegativeTTL)
			return lifetime
		}
	}
	if absent {
		return 0
	}
	// Aliases, of which a resolver says no more: it does not know where they lead.
	return lifetime
}

// aged returns a copy of an answer whose records have as much less time.
func aged(answer []byte, age time.Duration) []byte {
	answer = bytes.Clone(answer)
	_, spans, err := spansOf(answer)
	if err != nil {
		return answer
	}
	seconds := uint32(age / time.Second)
	for _, s := range spans {
		if s.kind == dnsmessage.TypeOPT {
			continue
		}
		ttl := binary.BigEndian.Uint32(answer[s.ttlAt:])
		binary.BigEndian.PutUint32(answer[s.ttlAt:], ttl-min(ttl, seconds))
	}
	return answer
}
