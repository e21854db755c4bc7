export interface Change {
  name: string;
  old: string;
  new: string;
}

/** A preview: what is now, and what will be. */
export function Changes({ changes }: { changes: readonly Change[] }) {
  return (
    <table class="changes">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Now</th>
          <th scope="col">Then</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.name}>
            <th scope="row">{change.name}</th>
            <td>{change.old}</td>
            <td class="strong">{change.new}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
