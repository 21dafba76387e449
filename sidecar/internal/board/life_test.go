package board

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// ownProcess is set in the processes that these tests start of themselves.
const ownProcess = "TAILPROXY_TEST_BOARD"

func TestMain(m *testing.M) {
	if os.Getenv(ownProcess) == "" {
		os.Exit(m.Run())
	}
	b, err := New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("/proc/%d/fd/%d\n", os.Getpid(), b.Descriptor())
	select {}
}

func mapRead(t *testing.T, fd int) []byte {
	t.Helper()
	seen, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(seen) })
	return seen
}

func lifeOf(seen []byte) uint32 { return binary.LittleEndian.Uint32(seen[atLife:]) }

func TestTheKernelMarksTheBoardOfAProcessThatIsKilled(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), ownProcess+"=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	path, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path[:len(path)-1])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := mapRead(t, int(file.Fd()))
	if thread := lifeOf(seen); thread == 0 || thread&ownerDied != 0 {
		t.Errorf("while it lives its mark is %#x; want the number of a thread", thread)
	}
	child.Process.Kill()
	child.Wait()
	if got := lifeOf(seen); got != ownerDied {
		t.Errorf("when it is dead its mark is %#x; want %#x", got, ownerDied)
	}
}

func TestAClosedBoardIsMarked(t *testing.T) {
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	seen := mapRead(t, b.Descriptor())
	if thread := lifeOf(seen); thread == 0 || thread&ownerDied != 0 {
		t.Errorf("before, its mark is %#x; want the number of a thread", thread)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := lifeOf(seen); got != ownerDied {
		t.Errorf("its mark is %#x; want %#x", got, ownerDied)
	}
}
