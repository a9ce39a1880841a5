/* SPDX-License-Identifier: Apache-2.0 */
/* What the test modules that hand calls on have in common: the real module, and the file that they share with the test. */
#ifndef TESTS_FORWARD_H
#define TESTS_FORWARD_H

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

/* The functions of the module at path; NULL if there is none. */
static inline CK_FUNCTION_LIST *forward_load(const char *path)
{
    void *library = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get_function_list = NULL;
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_FUNCTION_LIST *functions = NULL;
    memcpy(&get_function_list, &symbol, sizeof symbol);
    if (get_function_list == NULL || get_function_list(&functions) != CKR_OK)
        return NULL;
    return functions;
}

/* The file at path, as memory that all who map it share; NULL if it cannot be had. */
static inline void *forward_map(const char *path, size_t size)
{
    int descriptor = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return NULL;
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    return mapped == MAP_FAILED ? NULL : mapped;
}

#endif
