// The server of Node's http module. It is told its folder and the descriptor of its socket.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { pipeline } = require('node:stream');

const [folder, fd] = process.argv.slice(2);
const record = JSON.parse(fs.readFileSync(path.join(folder, 'record.json'), 'utf8'));

const server = http.createServer((request, response) => {
  switch (request.url) {
    case '/hello':
      response.setHeader('Content-Type', 'text/plain; charset=utf-8');
      response.end('hello');
      break;
    case '/json':
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(record));
      break;
    case '/file':
      sendFile(response, path.join(folder, 'file'));
      break;
    default:
      response.statusCode = 404;
      response.end();
  }
});

function sendFile(response, name) {
  fs.stat(name, (err, stat) => {
    if (err) {
      response.statusCode = 404;
      response.end();
      return;
    }
    response.setHeader('Content-Type', 'application/octet-stream');
    response.setHeader('Content-Length', stat.size);
    pipeline(fs.createReadStream(name), response, () => {});
  });
}

server.keepAliveTimeout = 0; // none: idle connections are measured too
server.listen({ fd: Number(fd) });
