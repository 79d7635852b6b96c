# Says: packets were ever in a queue: too few
s/c->length > QUEUE_MOST \+ 1/c->length > QUEUE_MOST/
