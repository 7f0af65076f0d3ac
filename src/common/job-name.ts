/** What `context().jobId` is for the job with this number. */
export function jobName(job: number): string {
  return job.toString(16).padStart(8, '0');
}
