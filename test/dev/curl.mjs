// What of curl the lines of `npm start` need, for machines that have none: -X, -H, -d and an address.
const given = process.argv.slice(2);
let method;
let body;
let address;
const headers = {};
while (given.length > 0) {
  const word = given.shift();
  if (word === '-X') method = given.shift();
  else if (word === '-d') body = given.shift();
  else if (word === '-H') {
    const [name, ...value] = given.shift().split(':');
    headers[name] = value.join(':').trim();
  } else if (!word.startsWith('-')) address = word;
}
const answer = await fetch(address, { method, headers, body });
process.stdout.write(await answer.text());
