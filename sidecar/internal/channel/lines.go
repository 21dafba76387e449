package channel

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the longest line in bytes, its newline included.
const MaxLine = 1 << 20

const readBuffer = 64 << 10

// lineReader cuts a stream into lines and never holds more than MaxLine of one.
type lineReader struct {
	r    *bufio.Reader
	long []byte
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, readBuffer)}
}

// next returns the next line without its newline, valid until the next call. io.EOF means that the
// stream ended after a whole line.
func (l *lineReader) next() ([]byte, error) {
	piece, err := l.r.ReadSlice('\n')
	if err == nil {
		return piece[:len(piece)-1], nil
	}
	// A long line is rare; its buffer is not kept for the next.
	l.long = nil
	for {
		l.long = append(l.long, piece...)
		if len(l.long) > MaxLine || len(l.long) == MaxLine && err != nil {
			return nil, fmt.Errorf("a line is longer than %d bytes", MaxLine)
		}
		switch {
		case err == nil:
			return l.long[:len(l.long)-1], nil
		case errors.Is(err, io.EOF):
			if len(l.long) > 0 {
				return nil, errors.New("the stream ended within a line")
			}
			return nil, io.EOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
		piece, err = l.r.ReadSlice('\n')
	}
}
