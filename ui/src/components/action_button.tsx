import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Permission } from "../documents";

interface Props {
  /** Whether it can be pressed, and the reason why not, which is shown and read out. */
  permission: Permission;
  onPress: () => void;
  children: ComponentChildren;
  tone?: "plain" | "primary" | "danger";
  label?: string;
}

/** A button that says why it cannot be pressed. It stays focusable then, or nobody could read the reason. */
export function ActionButton({ permission, onPress, children, tone = "plain", label }: Props) {
  const id = useId();
  const { allowed, why_not: reason } = permission;
  return (
    <span class="action">
      <button
        type="button"
        class={tone}
        aria-label={label}
        aria-disabled={!allowed}
        aria-describedby={allowed ? undefined : id}
        onClick={() => allowed && onPress()}
      >
        {children}
      </button>
      {!allowed && (
        <span class="reason" role="tooltip" id={id}>
          {reason ?? "This is not possible now"}
        </span>
      )}
    </span>
  );
}
