# Says: memory was used after it had been freed
s/STAILQ_NEXT\(STAILQ_FIRST\(&c->queue\), next\)/STAILQ_FIRST(\&c->queue)/
