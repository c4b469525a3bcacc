import { serve } from './server.mjs';

const [port = '0', ...command] = process.argv.slice(2);
const [file, ...args] = command;
const { url } = await serve({ port: Number(port), ...(file === undefined ? {} : { file, args }) });
console.log(url);
