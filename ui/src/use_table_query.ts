import { useCallback, useMemo } from "preact/hooks";
import { useLocation, useSearch } from "wouter-preact";
import { type TableQuery, parametersOf, readQuery, writeQuery } from "./table_query";

export interface TableState {
  query: TableQuery;
  /** As the document of the page takes it. */
  parameters: Record<string, string>;
  setQuery: (query: TableQuery) => void;
}

/** The table's query, kept in the page's address. */
export function useTableQuery(filterNames: readonly string[] = []): TableState {
  const search = useSearch();
  const [location, navigate] = useLocation();
  const query = useMemo(() => readQuery(search, filterNames), [search, filterNames.join()]);
  const setQuery = useCallback(
    (next: TableQuery) => {
      const text = writeQuery(next);
      const path = location === "/" ? "" : location;
      navigate(text ? `${path}?${text}` : path, { replace: true });
    },
    [location, navigate],
  );
  return { query, parameters: useMemo(() => parametersOf(query), [query]), setQuery };
}
