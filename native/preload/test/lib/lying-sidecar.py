"""lying-sidecar PATH WHAT: a dial socket whose welcome is right, and whose answers are WHAT."""

import fcntl
import os
import selectors
import socket
import struct
import sys

BOARD_SIZE = 13631488
LIFE = 36
F_ADD_SEALS = 1033
SHRINK_AND_GROW = 2 | 4
ANSWER_TO = {5: 6, 7: 8, 9: 10, 11: 12}
FOUR = b'\x04\0\0\0' + bytes([100, 64, 0, 9]) + bytes(12)


def board():
    fd = os.memfd_create('board', os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, BOARD_SIZE)
    os.pwrite(fd, struct.pack('<4sII', b'TPB1', BOARD_SIZE, 0), 0)
    os.pwrite(fd, struct.pack('<I', os.getpid()), LIFE)
    fcntl.fcntl(fd, F_ADD_SEALS, SHRINK_AND_GROW)
    return fd


def message(kind, body, length=None):
    return struct.pack('<BBH', 1, kind, 4 + len(body) if length is None else length) + body


def right(kind):
    """What begins well: one address, one name, or a flow socket."""
    return {
        6: b'\0\x01\x05hello' + FOUR,
        8: b'\0\x01\x05hello',
        10: bytes(12),
        12: b'\0\0\0\0' + b'\x04\0\x09\0\x7f\0\0\x01' + bytes(12),
    }[kind]


def answers(what, kind):
    body = right(kind)
    return {
        'nothing': [],
        'an empty datagram': [b''],
        'garbage': [os.urandom(300)],
        'a header that is cut': [message(kind, body)[:3]],
        'a header alone': [message(kind, b'')],
        'a body that is cut': [message(kind, body[:-1])],
        'a length of its own': [message(kind, body, 4096)],
        'more than it says': [message(kind, body) + b'x'],
        'an answer to another question': [message(kind % 12 + 2, body)],
        'another version': [b'\x02' + message(kind, body)[1:]],
        'counts of what is not there': [message(kind, b'\0\xff' + body[2:])],
        'a name with an end in it': [message(kind, body.replace(b'hello', b'he\0lo').replace(b'\x7f\0\0', b'\x08\x08\x08'))],
        'addresses of no family': [message(kind, body.replace(b'\x04\0', b'\x07\0'))],
    }[what]


def answer_one(channel, what):
    data, descriptors, _, _ = socket.recv_fds(channel, 4096, 2)
    if not data:
        return False
    if descriptors and data[1] in ANSWER_TO:
        with socket.socket(fileno=os.dup(descriptors[0])) as reply:
            for datagram in answers(what, ANSWER_TO[data[1]]):
                reply.send(datagram)
    for fd in descriptors:
        os.close(fd)
    return True


def main(path, what):
    waiting = selectors.DefaultSelector()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen()
    waiting.register(listener, selectors.EVENT_READ, 'listener')
    page = board()
    print('listening', flush=True)
    while True:
        for key, _ in waiting.select():
            if key.data == 'listener':
                bootstrap, _ = listener.accept()
                waiting.register(bootstrap, selectors.EVENT_READ, 'bootstrap')
            elif key.data == 'bootstrap':
                said, descriptors, _, _ = socket.recv_fds(key.fileobj, 4096, 1)
                if not descriptors:  # it says only whose the bootstrap is, or has ended
                    if not said:
                        waiting.unregister(key.fileobj)
                        key.fileobj.close()
                    continue
                channel = socket.socket(fileno=descriptors[0])
                if what != 'silence':
                    socket.send_fds(channel, [message(2, b'\0\0')], [page])
                waiting.register(channel, selectors.EVENT_READ, 'channel')
            elif not answer_one(key.fileobj, what):
                waiting.unregister(key.fileobj)
                key.fileobj.close()


main(*sys.argv[1:])
