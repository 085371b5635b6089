/** Placeholder until sealed segments map their indexes. */
export class IndexCache {}
