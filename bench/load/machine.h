/*
 * What the kernel says of one process and of the whole machine at one moment. Differences of two samples
 * go into the generator's report.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "../floors/frames.h"

typedef struct {
  double user_seconds, system_seconds; /* of the process, all threads */
  long resident_kib;
  double busy_seconds, steal_seconds; /* of the machine, all processors */
} Machine;

static inline void machine_read_process(Machine *machine, int pid) {
  char path[64], line[4096];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) die("no process %d", pid);
  size_t size = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[size] = 0;
  char *at = strrchr(line, ')'); /* the name in front may hold anything */
  unsigned long user = 0, system = 0;
  long resident = 0;
  if (at == NULL || sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d "
                                   "%*d %*d %*u %*u %ld", &user, &system, &resident) != 3) {
    die("%s cannot be read", path);
  }
  machine->user_seconds = (double)user / 100.0; /* USER_HZ is 100 on every Linux */
  machine->system_seconds = (double)system / 100.0;
  machine->resident_kib = resident * 4;
}

static void machine_sample(Machine *machine, int pid) {
  unsigned long user, nice, system, idle, iowait, irq, softirq, steal;
  FILE *file = fopen("/proc/stat", "r");
  if (file == NULL || fscanf(file, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &system, &idle,
                             &iowait, &irq, &softirq, &steal) != 8) {
    die("/proc/stat cannot be read");
  }
  fclose(file);
  machine->busy_seconds = (double)(user + nice + system + irq + softirq) / 100.0;
  machine->steal_seconds = (double)steal / 100.0;
  if (pid > 0) machine_read_process(machine, pid);
}

static void machine_print_difference(const Machine *before, const Machine *after, int pid) {
  if (pid > 0) {
    printf("\"brokerUserSeconds\":%.2f,\"brokerSystemSeconds\":%.2f,\"residentKib\":%ld,",
           after->user_seconds - before->user_seconds, after->system_seconds - before->system_seconds,
           after->resident_kib);
  }
  printf("\"busySeconds\":%.2f,\"stealSeconds\":%.2f,", after->busy_seconds - before->busy_seconds,
         after->steal_seconds - before->steal_seconds);
}

#endif
