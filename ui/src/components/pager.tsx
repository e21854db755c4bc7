import type { Table } from "../documents";
import { count, counted } from "../format";
import { span } from "../table_query";

interface Props {
  table: Pick<Table<unknown>, "page" | "per_page" | "matched" | "total">;
  onPage: (page: number) => void;
}

/** Which rows these are, and the way to the others. */
export function Pager({ table, onPage }: Props) {
  const { page, per_page: perPage, matched, total } = table;
  const { first, last, pages } = span(page, perPage, matched);
  if (matched === 0) return null;
  return (
    <div class="pager">
      <span>
        {first === 1 && last === matched ? counted(matched, "row") : `${count(first)}–${count(last)} of ${count(matched)}`}
        {matched < total && ` (of ${count(total)} in all)`}
      </span>
      {pages > 1 && (
        <span class="seg" role="group" aria-label="Page">
          <button type="button" disabled={page <= 1} onClick={() => onPage(page - 1)}>
            Previous
          </button>
          <button type="button" disabled={page >= pages} onClick={() => onPage(page + 1)}>
            Next
          </button>
        </span>
      )}
    </div>
  );
}
