export { createStagedoorServer, type StagedoorServer, type StagedoorServerOptions } from './server.ts';
export { type ProblemCode, StagedoorProblem } from '../problem.ts';
