// import.mjs MODULE: how many milliseconds its first import takes.
const begin = performance.now();
await import(process.argv[2]);
console.log(performance.now() - begin);
process.exit();
