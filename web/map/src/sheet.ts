/** On a phone the panel is a sheet at the bottom: low, half, or nearly all of the screen. */

const STEPS = ['low', 'half', 'full'] as const;
type Step = (typeof STEPS)[number];

const DRAG_PX = 40;

export class Sheet {
  private step: Step = 'half';
  private startY: number | null = null;

  constructor(
    private readonly panel: HTMLElement,
    private readonly handle: HTMLButtonElement,
  ) {
    handle.addEventListener('click', () => this.set(this.step === 'full' ? 'low' : this.next(1)));
    handle.addEventListener('pointerdown', (event) => {
      this.startY = event.clientY;
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener('pointerup', (event) => this.dropped(event));
  }

  /** Opens it far enough to read in. */
  open(): void {
    if (this.step === 'low') this.set('half');
  }

  private dropped(event: PointerEvent): void {
    const moved = this.startY === null ? 0 : event.clientY - this.startY;
    this.startY = null;
    if (Math.abs(moved) < DRAG_PX) return;
    // What was dragged is not clicked as well.
    this.handle.addEventListener('click', (click) => click.stopImmediatePropagation(), {
      capture: true,
      once: true,
    });
    this.set(this.next(moved < 0 ? 1 : -1));
  }

  private next(by: number): Step {
    const at = STEPS.indexOf(this.step) + by;
    return STEPS[Math.max(0, Math.min(STEPS.length - 1, at))] ?? 'half';
  }

  private set(step: Step): void {
    this.step = step;
    this.panel.dataset.sheet = step;
    this.handle.setAttribute('aria-expanded', String(step !== 'low'));
  }
}
