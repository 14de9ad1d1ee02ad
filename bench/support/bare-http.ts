/** A bare node:http server to compare the emulator's latency with. It reads each request and answers a kilobyte, on PORT. */
import { createServer } from 'node:http';

const body = JSON.stringify({ padding: 'x'.repeat(1_000) });

createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');
