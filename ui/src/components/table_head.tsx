import type { ComponentChildren } from "preact";
import { directionOf, nextSort } from "../table_query";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ComponentChildren;
  /** The member that the service can sort by. */
  sort?: string;
  /** `num` aligns numbers. */
  class?: string;
}

interface Props<Row> {
  columns: readonly Column<Row>[];
  sort: string;
  onSort: (sort: string) => void;
}

const ARROWS = { ascending: "▴", descending: "▾", none: "" };

/** The headings; those that can be sorted by are buttons. */
export function TableHead<Row>({ columns, sort, onSort }: Props<Row>) {
  return (
    <thead>
      <tr>
        {columns.map(({ title, sort: member, class: style }) => {
          if (member === undefined) {
            return (
              <th key={title} scope="col" class={style}>
                {title}
              </th>
            );
          }
          const direction = directionOf(sort, member);
          return (
            <th key={title} scope="col" class={style} aria-sort={direction}>
              <button type="button" class="sort" onClick={() => onSort(nextSort(sort, member))}>
                {title} <span aria-hidden="true">{ARROWS[direction]}</span>
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
