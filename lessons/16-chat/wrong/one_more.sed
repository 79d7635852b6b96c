# Says: packets were in a queue at once: too many
s/c->length > QUEUE_MOST \+ 1/c->length > QUEUE_MOST + 2/
