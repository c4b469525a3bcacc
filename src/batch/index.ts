/**
 * Batches of commands on many slots: this machine, ssh hosts, Slurm, containers.
 *
 * @module
 */
export { SlotChild } from './child.js';
export {
  type AgentOptions,
  type ContainerOptions,
  type CustomOptions,
  container,
  custom,
  type Engine,
  type Image,
  local,
  type SlurmOptions,
  type SshOptions,
  slurm,
  ssh,
} from './engines.js';
export { SlotError } from './error.js';
export type { Halt, HaltOptions } from './halt.js';
export type { MapOptions, Mapped, Mapper, Source } from './map-options.js';
export { openPool, type Pool, type PoolOptions } from './pool.js';
export type { SlotInfo, SlotState } from './slot.js';
