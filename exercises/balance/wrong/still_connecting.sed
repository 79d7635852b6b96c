# Says: of 9 clients
s/^  b->connecting--;/  b->connecting += b == b->pool->backends;/
