@rem Every npm script begins with `exec`; the end of dev/run.mjs says why. Windows has no such command, so this file is it.
@%*
