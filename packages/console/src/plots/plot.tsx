import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { words } from '../words.ts'

interface PlotProps {
  readonly label: string
  readonly unit: string
  /** Seconds since the epoch. */
  readonly times: readonly number[]
  readonly values: readonly (number | null)[]
}

const height = 140

/** One figure over time. Its newest value stands beside it as text, which is what is read out. */
export function Plot({ label, unit, times, values }: PlotProps) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const newest = values.findLast((value): value is number => value !== null)
  useEffect(() => {
    const { current } = host
    if (current === null) return undefined
    const made = new UPlot(optionsFor(current), [[], []], current)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height }))
    observer.observe(current)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [])
  useEffect(() => plot.current?.setData([[...times], [...values]]), [times, values])
  return (
    <figure class="card plot">
      <figcaption>
        {label} <strong>{newest === undefined ? words.none : `${round(newest)} ${unit}`.trim()}</strong>
      </figcaption>
      <div ref={host} aria-hidden="true" />
    </figure>
  )
}

function optionsFor(host: HTMLElement): UPlot.Options {
  const colour = (name: string): string => resolve(host, name)
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  return {
    width: host.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { range: timesShown }, y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [axis, { ...axis, size: 48 }],
    series: [{}, { stroke: colour('--accent'), fill: colour('--accent-back'), width: 1.5, spanGaps: false }],
  }
}

const leastSeconds = 60

/** A minute at least: of a single point the library would make years. Before the first there are no times. */
function timesShown(_plot: UPlot, first: number, last: number): UPlot.Range.MinMax {
  return Number.isFinite(last) ? [Math.min(first, last - leastSeconds), last] : [0, leastSeconds]
}

/** A canvas knows no `light-dark()`: what the browser makes of the variable here. */
function resolve(host: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  host.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2)
}
