# Ten at once and one more in ten seconds; a list; who comes back; who is from
# elsewhere. Each scene has a server whose buckets are full.
. tests/exercises/visit.sh
about='One moment for each address, on the one strand where all commands run. A limit belongs to what a stranger cannot change at will: connections are cheap, addresses are not.'

SPEED=10
alone() {
  local name=$1 && shift
  serve "$@" 127.0.0.1:0
  scene "$name" 1000
  end_server
}

read_again 'The idea' 'How far it lies ahead says how many lines are missing.'
alone ten-at-once address
read_again 'The idea' 'A line moves that moment by half a second.'
alone a-list-counts address
read_again 'The idea' 'Connections are counted in all and by address.'
alone comes-back address
alone another-address thread --butlers 2
