// What a table shows, kept in the page's address: words to find, order, page, and the table's own filters.
export interface TableQuery {
  q: string;
  sort: string;
  page: number;
  filters: Record<string, string>;
}

export function readQuery(search: string, filterNames: readonly string[]): TableQuery {
  const parameters = new URLSearchParams(search);
  const page = Number(parameters.get("page") ?? "1");
  const filters: Record<string, string> = {};
  for (const name of filterNames) {
    const value = parameters.get(name);
    if (value) filters[name] = value;
  }
  return {
    q: parameters.get("q") ?? "",
    sort: parameters.get("sort") ?? "",
    page: Number.isInteger(page) && page > 0 ? page : 1,
    filters,
  };
}

/** The query of an address or of a document; without what has its default. */
export function writeQuery(query: TableQuery): string {
  return new URLSearchParams(parametersOf(query)).toString();
}

export function parametersOf({ q, sort, page, filters }: TableQuery): Record<string, string> {
  return {
    ...(q && { q }),
    ...(sort && { sort }),
    ...(page > 1 && { page: String(page) }),
    ...filters,
  };
}

/** Any change but one of the page leads back to the first page. */
export function changed(query: TableQuery, change: Partial<TableQuery>): TableQuery {
  return { ...query, page: 1, ...change };
}

export function withFilter(query: TableQuery, name: string, value: string): TableQuery {
  const { [name]: _, ...others } = query.filters;
  return changed(query, { filters: value ? { ...others, [name]: value } : others });
}

/** The order after a click on a column's heading: descending first, then ascending. */
export function nextSort(current: string, column: string): string {
  return current === `-${column}` ? column : `-${column}`;
}

export type Direction = "ascending" | "descending" | "none";

export function directionOf(sort: string, column: string): Direction {
  if (sort === `-${column}`) return "descending";
  return sort === column ? "ascending" : "none";
}

/** `1–100 of 3,412`, as numbers. */
export function span(page: number, perPage: number, matched: number): { first: number; last: number; pages: number } {
  const pages = Math.max(1, Math.ceil(matched / perPage));
  const first = matched === 0 ? 0 : (page - 1) * perPage + 1;
  return { first, last: Math.min(page * perPage, matched), pages };
}
