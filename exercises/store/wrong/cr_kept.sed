# Says: A line ends with LF, and a CR before that belongs to the end, too.
s/n - 1 - \(n > 1 && line\[n - 2\] == '\\r'\)/n - 1/
