import type { LabExitNode } from './exit-node-messages.ts'
import { type Forward, type LabInfo, type LabNode, labMethods } from './lab-messages.ts'
import { type SidecarCommand, type SidecarExit, SidecarProcess } from './sidecar-process.ts'

export interface LabOptions extends SidecarCommand {
  /** Milliseconds of delay that the lab's nodes add. @default 0 */
  delay?: number
  /** The one key that lets nodes in. @default any, or none */
  authKey?: string
  /** Nodes wait until their login URL is visited, but those that bring `authKey`. @default false */
  requireAuth?: boolean
  /** Machines wait to be approved; the lab's own do not. @default false */
  requireApproval?: boolean
}

/** A whole private tailnet on loopback, for demos, tests and benchmarks. */
export class Lab {
  readonly #process: SidecarProcess
  /** The control URL, the tailnet's domain and the nodes it came up with. */
  readonly info: LabInfo

  private constructor(process: SidecarProcess, info: LabInfo) {
    this.#process = process
    this.info = info
  }

  /** Starts it and resolves when its nodes `hello` and `exit` are up. */
  static async start(options: LabOptions): Promise<Lab> {
    const { delay, authKey, requireAuth, requireApproval, signal } = options
    const process = await SidecarProcess.spawn('lab', options, {
      onEvent: () => {},
      onRequest: (method) =>
        Promise.reject(new Error(`the lab's driver has no method "${method}"`)),
    })
    try {
      const params = {
        ...(delay === undefined ? {} : { delayMs: delay }),
        ...(authKey === undefined ? {} : { authKey }),
        ...(requireAuth === undefined ? {} : { requireAuth }),
        ...(requireApproval === undefined ? {} : { requireApproval }),
      }
      const info = await process.request('startLab', labMethods.startLab, params, signal)
      return new Lab(process, info)
    } catch (error) {
      await process.stop()
      throw error
    }
  }

  get pid(): number {
    return this.#process.pid
  }

  get exited(): Promise<SidecarExit> {
    return this.#process.exited
  }

  get ended(): SidecarProcess['ended'] {
    return this.#process.ended
  }

  /**
   * Adds a node; each of its `forwards` serves a loopback address of this host on the tailnet. An
   * exit node serves TEST-NET as `exit` does, and says on its greeting page which one it is.
   */
  addNode(
    name: string,
    forwards: Forward[] = [],
    options: { exitNode?: LabExitNode } = {},
  ): Promise<LabNode> {
    return this.#process.request('addNode', labMethods.addNode, { name, forwards, ...options })
  }

  /**
   * Kills a node without a goodbye: a black hole to its peers from then on. With `offline` the
   * control server says that it is gone.
   */
  async removeNode(name: string, options: { offline?: boolean } = {}): Promise<void> {
    await this.#process.request('removeNode', labMethods.removeNode, { name, ...options })
  }

  /** Approves an exit node, or takes that back. */
  async setExitNodeApproved(name: string, approved: boolean): Promise<void> {
    const params = { name, approved }
    await this.#process.request('setExitNodeApproved', labMethods.setExitNodeApproved, params)
  }

  async addForward(node: string, port: number, target: string): Promise<void> {
    await this.#process.request('addForward', labMethods.addForward, { node, port, target })
  }

  /** Adds a record to the tailnet's DNS. */
  async addRecord(name: string, address: string): Promise<void> {
    await this.#process.request('addRecord', labMethods.addRecord, { name, address })
  }

  /** Logs the node in that was told to visit `url`; `no-such-host` when none waits for that. */
  async completeAuth(url: string): Promise<void> {
    await this.#process.request('completeAuth', labMethods.completeAuth, { url })
  }

  /** Lets a machine in, by its name with or without the domain. */
  async approve(node: string): Promise<void> {
    await this.#process.request('approve', labMethods.approve, { node })
  }

  /** Makes the keys of all nodes but the lab's own expired, or valid again. */
  async expireKeys(expired: boolean): Promise<void> {
    await this.#process.request('expireKeys', labMethods.expireKeys, { expired })
  }

  /** Takes the control server off the network; nodes keep their connections. */
  async stopControl(): Promise<void> {
    await this.#process.request('stopControl', labMethods.stopControl, {})
  }

  /** Brings it back, on the same port. */
  async startControl(): Promise<void> {
    await this.#process.request('startControl', labMethods.startControl, {})
  }

  stop(timeout?: number): Promise<SidecarExit> {
    return this.#process.stop(timeout)
  }
}
