package exitnode

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

var errOver = errors.New("over")

func TestALeaseCutsWhatIsBoundBeforeItsEndIsTold(t *testing.T) {
	l, _ := NewLease()
	var cut []error
	l.Bind(func(cause error) { cut = append(cut, cause) })
	l.Bind(func(cause error) { t.Errorf("what was taken back is cut: %v", cause) })()
	l.end(errOver)
	if len(cut) != 1 || !errors.Is(cut[0], errOver) || !errors.Is(l.Ended(), errOver) {
		t.Errorf("cut %v, ended %v", cut, l.Ended())
	}
	l.Bind(func(cause error) { cut = append(cut, cause) })()
	if len(cut) != 2 {
		t.Error("what is bound too late is not cut")
	}
	if _, _, err := l.Hold(t.Context()); !errors.Is(err, errOver) {
		t.Errorf("it is held: %v", err)
	}
}

func TestALeaseIsHeldWhenItIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(func() {})
		held := make(chan context.Context)
		go func() {
			ctx, release, err := l.Hold(t.Context())
			if err != nil {
				t.Error(err)
			}
			held <- ctx
			<-ctx.Done()
			release()
			close(held)
		}()
		synctest.Wait()
		select {
		case <-held:
			t.Fatal("it is held before")
		default:
		}
		if !l.inUse() {
			t.Error("nobody waits")
		}
		l.confirm()
		ctx := <-held
		l.end(errOver)
		<-held
		if !errors.Is(context.Cause(ctx), errOver) {
			t.Errorf("the cause is %v", context.Cause(ctx))
		}
	})
}

func TestWaitingForALeaseEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(func() {})
		go l.end(errOver)
		if _, _, err := l.Hold(t.Context()); !errors.Is(err, errOver) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errOver)
		if _, _, err := newLease(func() {}).Hold(ctx); !errors.Is(err, errOver) {
			t.Errorf("got %v", err)
		}
	})
}
