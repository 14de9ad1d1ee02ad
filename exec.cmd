@rem npm scripts say `exec` (see the end of dev/run.mjs), which Windows does not know.
@%*
