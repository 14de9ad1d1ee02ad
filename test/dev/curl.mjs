// What of curl the samples need, for machines that have none: -X, -H, -d, --max-time and an address.
const given = process.argv.slice(2);
let method;
let body;
let address;
let seconds;
const headers = {};
while (given.length > 0) {
  const word = given.shift();
  if (word === '-X') method = given.shift();
  else if (word === '--max-time') seconds = Number(given.shift());
  else if (word === '-d') body = given.shift();
  else if (word === '-H') {
    const [name, ...value] = given.shift().split(':');
    headers[name] = value.join(':').trim();
  } else if (!word.startsWith('-')) address = word;
}
if (seconds !== undefined) setTimeout(() => process.exit(28), seconds * 1_000).unref();
process.stdout.on('error', () => process.exit(23));
const answer = await fetch(address, { method, headers, body });
for await (const part of answer.body ?? []) process.stdout.write(part);
