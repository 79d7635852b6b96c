# Says: which is no reset
s/^static void session_end\(struct session \*s\) \{ linger\(s->stream, s->strand\); \}/static void session_end(struct session *s) {}/
