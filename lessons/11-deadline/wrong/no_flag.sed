# Says: each of their handlers has to look who was first.
s/if \(!s->over && err == UV_ETIMEDOUT\)/if (err == UV_ETIMEDOUT)/
