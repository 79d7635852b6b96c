// A guest on irc-framework, the library of The Lounge and Kiwi IRC.
//     framework.cjs PACKAGE HOST PORT
const [, , path, host, port] = process.argv;
const IRC = require(path);
const client = new IRC.Client();

client.on('registered', () => client.join('#beach'));
client.on('kick', (event) => {
  console.log(event.message);
  client.join('#beach');
});
client.on('message', ({target, message}) => {
  console.log(message);
  const [word, ...rest] = message.split(' ');
  if (word === '!say') client.say(target, rest.join(' '));
  if (word === '!nick') client.changeNick(rest[0]);
});
// By itself it connects again only to a server that kept it for five seconds.
client.on('close', () => setTimeout(() => client.connect(), 500));
client.connect({host, port: Number(port), nick: 'guest', username: 'guest',
  gecos: 'A guest'});
