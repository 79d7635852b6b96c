# Three buffers in one write, and in one read.
about='A megabyte left from where it stood and arrived where it belongs, with a size
before it and a sum behind it, and nobody poured anything together. The kernel
took it in many pieces; the write went on with the rest of the list by itself.'

part_of_it() {
  read_again 'What breaks' 'Mom sends 14 bytes, Johnny waits for 20, and the program
does not end'
  [ "$(times 'Johnny has')" = 0 ] || seen 'Johnny has 1048584 bytes' ||
    wrong 'Johnny got a part of it: the read did not go on until all was there,
      or its cups are too small.' \
      '[ 0 s] Johnny has 1048584 bytes: a body of 1048576'
}

stuck() {
  part_of_it
  wrong 'it does not end. Johnny waits for more bytes than Mom sends, or Mom for
    somebody who takes them.' \
    'both sides name a size of 4 bytes, a body of 1048576 and a sum of 4'
}

as_told() {
  read_again 'The idea' 'it sends the bytes of all of them in order, as if they
stood in one place'
  [ "$(times 'Mom has sent')" = 1 ] ||
    wrong 'Mom has sent nothing, or in several writes.' \
      '[ 0 s] Mom has sent 1048584 bytes in one write'
  seen 'sent 1048584 bytes' ||
    wrong 'Mom has sent too little or too much.' \
      'a size of 4 bytes, a body of 1048576, a sum of 4: 1048584 bytes'
  read_again 'The idea' 'it fills one after the other, so the first 8 bytes are the
header'
  [ "$(times 'Johnny has')" = 1 ] ||
    wrong 'Johnny has received nothing, or in several reads.' \
      '[ 0 s] Johnny has 1048584 bytes: a body of 1048576'
  part_of_it
  read_again 'The idea' 'Johnny finds the header because both sides agreed on 8
bytes, and the body because they agreed on 12.'
  seen 'a body of 1048576$' && ! seen WRONG ||
    wrong 'size, body and sum are not where they belong: both sides have to name
      the same cups in the same order.' \
      '[ 0 s] Johnny has 1048584 bytes: a body of 1048576
[ 0 s] the sum is right'
  read_again 'The idea' 'That takes a third cup and somebody who pours'
  ! source_has 'memcpy|memmove|ax_seq_copy' ||
    wrong 'bytes are copied from one place to another, and need not be.' \
      'a list of buffers, each where its bytes are'
  expect_output <<'END'
#{
[{*} s] Mom has sent 1048584 bytes in one write
[{*} s] Johnny has 1048584 bytes: a body of 1048576
[{*} s] the sum is right
#}
[{*} s] done
END
}

# One thread, so there is one way; what waits for ever is found at once there.
SEEDS=1
read_again 'What breaks' 'Two writes in a row need a handler between them; one tray
needs none.'
check_runs as_told
