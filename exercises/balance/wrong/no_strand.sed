# Says: Sanitizer: 
s/v->strand = ax_strand_new\(all->pool->context\);/v->strand = ax_ref(all->pool->context);/
