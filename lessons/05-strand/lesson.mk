# It grows from the two butlers; lesson 4 was beside the way.
BEFORE_5 = 3
