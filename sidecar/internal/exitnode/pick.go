package exitnode

import (
	"context"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// patience is how long nodes are waited for.
type patience struct {
	// limit is how long one may take to answer.
	limit time.Duration
	// head is how long those preferred may take longer than the first that answers.
	head time.Duration
}

type answer struct {
	index int
	took  time.Duration
	ok    bool
}

// pick asks all candidates at once and returns the first in their order that answers; -1 when none does. Those that do not
// answer have an error then.
func pick(ctx context.Context, tailnet Tailnet, all []candidate, p patience) int {
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	answers := make(chan answer, len(all))
	pending := map[int]bool{}
	for i, c := range all {
		if c.err != nil {
			continue
		}
		pending[i] = true
		go func() {
			took, ok := ping(ctx, tailnet, c.peer)
			answers <- answer{i, took, ok}
		}()
	}
	best := answer{index: -1}
	var head <-chan time.Time
	// isFirst reports whether nobody can come who is preferred to the best.
	isFirst := func() bool {
		for i := range pending {
			if all[i].rank <= all[best.index].rank {
				return false
			}
		}
		return true
	}
	for len(pending) > 0 {
		select {
		case a := <-answers:
			delete(pending, a.index)
			switch {
			case !a.ok:
				all[a.index].err = message.Errorf(message.ExitNodeDown, "%s does not answer", hostOf(all[a.index].peer))
			case best.index < 0:
				best = a
				head = time.After(p.head)
			case all[a.index].rank < all[best.index].rank,
				all[a.index].rank == all[best.index].rank && a.took < best.took:
				best = a
			}
			if best.index >= 0 && isFirst() {
				return best.index
			}
		case <-head:
			return best.index
		}
	}
	return best.index
}
