# Says: It listens on each ENDPOINT.
s/i < cli->endpoint_count/i < 1/
