/** What the emulator's latency is held against: node:http, reading each request and answering a kilobyte. PORT says where. */
import { createServer } from 'node:http';

const body = JSON.stringify({ padding: 'x'.repeat(1_000) });

createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');
