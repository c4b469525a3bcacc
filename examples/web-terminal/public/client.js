/* global Terminal, FitAddon */
const terminal = new Terminal();
const fit = new FitAddon.FitAddon();
terminal.loadAddon(fit);
terminal.open(document.getElementById('terminal'));
window.terminal = terminal; // for the test, which reads the screen

const socket = new WebSocket(`ws://${location.host}/`);
const send = (...message) => {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
};
socket.addEventListener('message', ({ data }) => {
  const [kind, text] = JSON.parse(data);
  if (kind === 'stdout') terminal.write(text);
  if (kind === 'disconnect') terminal.write('\r\n[the program has ended]\r\n');
});
terminal.onData((text) => send('stdin', text));
terminal.onResize(({ rows, cols }) => send('set_size', rows, cols));
socket.addEventListener('open', () => {
  fit.fit();
  send('set_size', terminal.rows, terminal.cols);
  terminal.focus();
});
addEventListener('resize', () => fit.fit());
