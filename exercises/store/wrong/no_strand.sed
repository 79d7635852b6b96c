# Says: Sanitizer: data race
/ax_run_on\(s->hall->store.strand/{
N
s/.*/    on_done(s, store_work(\&s->request), 0);/
}
